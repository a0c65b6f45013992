cimport cython

from wssdk.wire cimport raw
from wssdk.wire.inbox cimport Claim, FragmentedMessage, Inbox
from wssdk.wire.intake cimport Intake
from wssdk.wire.message_writer cimport MessageWriter
from wssdk.wire.wakeup cimport Wakeup


cdef class MessagePath


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


@cython.final
@cython.freelist(16)
cdef class Send:
    cdef MessagePath _path
    cdef object _message
    cdef object _text
    cdef bint _begun
    cdef object _rest
    cdef object _waited

    cpdef bint begin(self) except -1
    cpdef object send(self, value)
    cpdef object check_alone(self)


cdef class MessagePath:
    cdef Intake _intake
    cdef Inbox _inbox
    cdef MessageWriter _writer
    cdef Wakeup _wakeup
    cdef object _slow_recv
    cdef object _slow_send
    cdef object _drain
    cdef Receive _receive
    cdef Receive _iterate

    @cython.locals(intake=Intake)
    cdef object start_send(self, message, text)
    cdef _tidy(self)
