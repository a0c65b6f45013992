cimport cython

from wssdk.wire cimport raw
from wssdk.wire.mask cimport MaskingKeys


@cython.final
cdef class FrameWriter:
    cdef MaskingKeys _keys

    cpdef bytes serialize(self, int opcode, payload, bint fin, int rsv)
    cpdef bytes serialize_text(self, str message)
