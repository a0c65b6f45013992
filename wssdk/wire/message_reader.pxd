cimport cython

from wssdk.wire cimport raw
from wssdk.wire.deflate cimport Inflater
from wssdk.wire.frame_reader cimport FrameReader
from wssdk.wire.inbox cimport Fragment, FragmentedMessage, Inbox


cdef int _RSV1
cdef int _TEXT
cdef int _BINARY
cdef int _PING
cdef Py_ssize_t _LARGEST_WHOLE


@cython.final
cdef class MessageReader:
    cdef long long _limit
    cdef FrameReader _frames
    cdef Inbox _inbox
    cdef Py_ssize_t _max_message
    cdef Py_ssize_t _max_fragment
    cdef Py_ssize_t _max_fragments
    cdef Inflater _inflater
    cdef tuple _extensions
    cdef readonly bint unbounded
    cdef public bint discarding
    cdef readonly bint streaming
    cdef readonly int control_opcode
    cdef readonly bytes control_payload
    cdef int _opcode
    cdef bint _compressed
    cdef bytearray _assembly
    cdef bytearray _encoded
    cdef Py_ssize_t _size
    cdef Py_ssize_t _frame_size
    cdef object _sizes
    cdef Py_ssize_t _count
    cdef object _utf8
    cdef object _whole
    cdef Py_ssize_t _filled
    cdef bint _cut

    cpdef Py_ssize_t partial_size(self)
    @cython.locals(frames=FrameReader, inbox=Inbox, last=bint, data=bytes, plain=bint)
    cpdef int parse(self) except -1
    @cython.locals(frames=FrameReader, opcode=int, limit=Py_ssize_t)
    cdef _begin_frame(self)
    @cython.locals(frames=FrameReader)
    cdef bint _fill_whole(self, whole) except -1
    cdef _begin_fragment(self, int opcode, int rsv)
    cdef _check_size(self, long long length)
    @cython.locals(frames=FrameReader, encoded=bytearray, whole=bint)
    cdef bint _take_whole(self) except -1
    @cython.locals(frames=FrameReader, rsv=int, room=Py_ssize_t)
    cdef bint _decode(self, bytes data) except -1
    @cython.locals(room=Py_ssize_t)
    cdef Py_ssize_t _room(self)
    @cython.locals(room=Py_ssize_t, limit=Py_ssize_t)
    cdef bytes _inflate(self, bytes data, bint last)
    @cython.locals(fin=bint, opcode=int)
    cdef _add(self, bytes data, bint last)
    cdef _end_fragment(self, bint fin)
    @cython.locals(payload=bytes, start=Py_ssize_t)
    cpdef start_streaming(self)
    cpdef stop_streaming(self)
    cpdef release(self)
    @cython.locals(inbox=Inbox, is_fragment=bint)
    cdef _put(self, item, Py_ssize_t size)
