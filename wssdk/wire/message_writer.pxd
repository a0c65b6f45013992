cimport cython

from wssdk.wire.deflate cimport Deflater
from wssdk.wire.frame_writer cimport FrameWriter


@cython.final
cdef class MessageWriter:
    cdef FrameWriter _frames
    cdef Deflater _deflater
    cdef Py_ssize_t _min_deflate
    cdef tuple _extensions
    cdef bint _plain
    cdef bint _deflating

    cpdef bytes serialize(self, int opcode, payload, bint fin=*)
    cpdef bytes serialize_text(self, str message)
    cpdef bytes serialize_control(self, int opcode, bytes payload)
    cpdef bytes serialize_plain(self, int opcode, bytes payload)
    cpdef rest(self)
    cpdef release(self)
    cdef bytes _encode(self, frame)
