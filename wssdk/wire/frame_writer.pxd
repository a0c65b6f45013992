cimport cython

from wssdk.wire cimport raw
from wssdk.wire.mask cimport next_masking_key


@cython.final
cdef class FrameWriter:
    cdef bint _masked

    cpdef bytes serialize(self, int opcode, payload, bint fin, int rsv)
    cpdef bytes serialize_text(self, str message)
