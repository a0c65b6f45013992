cimport cython

from wssdk.wire cimport raw
from wssdk.wire.inbox cimport Inbox
from wssdk.wire.intake cimport Intake
from wssdk.wire.message_writer cimport MessageWriter
from wssdk.wire.receive cimport Receive
from wssdk.wire.wakeup cimport Wakeup


cdef class MessagePath


@cython.final
@cython.freelist(16)
cdef class Send:
    cdef MessagePath _path
    cdef object _message
    cdef object _text
    cdef object _start
    cdef object _name
    cdef bint _begun
    cdef object _rest
    cdef object _waited
    cdef readonly object result

    cpdef bint begin(self) except -1
    cpdef object send(self, value)
    cpdef object check_alone(self)


cdef class MessagePath:
    cdef Intake _intake
    cdef Inbox _inbox
    cdef MessageWriter _writer
    cdef Wakeup _wakeup
    cdef readonly object _receiver
    cdef readonly object _sender
    cdef Receive _receive
    cdef Receive _iterate

    @cython.locals(intake=Intake, frame=bytes)
    cdef object start_send(self, message, text)
    cdef _tidy(self)
