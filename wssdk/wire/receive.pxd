cimport cython

from wssdk.wire.inbox cimport Claim, FragmentedMessage, Inbox
from wssdk.wire.intake cimport Intake
from wssdk.wire.wakeup cimport Wakeup


@cython.freelist(16)
@cython.final
cdef class Receive:
    cdef Intake _intake
    cdef Inbox _inbox
    cdef Wakeup _wakeup
    cdef bint _iterating
    cdef Py_ssize_t _most
    cdef Claim _claim
    cdef bint _waiting
    cdef readonly bint blocked

    @cython.locals(inbox=Inbox)
    cpdef object step(self)
    @cython.locals(inbox=Inbox)
    cdef _wait(self)
    cdef _refuse(self)
    cdef _raise_closed(self)
    cdef _stop_waiting(self)


@cython.final
cdef class Batches:
    cdef Intake _intake
    cdef Inbox _inbox
    cdef Wakeup _wakeup
    cdef Py_ssize_t _most
