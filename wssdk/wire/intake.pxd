cimport cython

from wssdk.wire.frame_reader cimport FrameReader
from wssdk.wire.inbox cimport Inbox
from wssdk.wire.message_reader cimport MessageReader


cdef class Intake:
    cdef FrameReader _frames
    cdef MessageReader _reader
    cdef readonly Inbox inbox
    cdef public bint quiet
    cdef public bint reading_paused
    cdef public bint write_paused
    cdef public Py_ssize_t senders
    cdef readonly unsigned long long reads
    cdef public bint fresh
    cdef public object transport_write
    cdef public object transport_is_closing

    @cython.locals(outcome=int, inbox=Inbox)
    cpdef refill(self)
