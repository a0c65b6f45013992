cimport cython

from wssdk.wire cimport raw
from wssdk.wire.inbox cimport FragmentedMessage, Inbox
from wssdk.wire.intake cimport Intake
from wssdk.wire.message_writer cimport MessageWriter
from wssdk.wire.waiter cimport Waiter


@cython.freelist(16)
@cython.final
cdef class Receive:
    cdef Intake _intake
    cdef Inbox _inbox
    cdef object _new_waiter
    cdef bint _iterating
    cdef Py_ssize_t _most
    cdef Waiter _waiter
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
    cdef object _new_waiter
    cdef Py_ssize_t _most


@cython.final
@cython.freelist(16)
cdef class Send:
    cdef Intake _intake
    cdef MessageWriter _writer
    cdef object _slow_send
    cdef object _drain
    cdef object _message
    cdef object _text
    cdef bint _begun
    cdef object _rest
    cdef object _waited

    @cython.locals(intake=Intake)
    cpdef bint begin(self) except -1
    cpdef object send(self, value)
    cpdef object check_alone(self)


cdef class MessagePath:
    cdef Intake _intake
    cdef Inbox _inbox
    cdef MessageWriter _writer
    cdef object _new_waiter
    cdef object _slow_recv
    cdef object _slow_send
    cdef object _drain
    cdef Receive _receive
    cdef Receive _iterate
