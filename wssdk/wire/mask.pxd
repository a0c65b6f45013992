cimport cython

from wssdk.wire cimport raw

cdef int _forks
cdef int _KEYS_PER_DRAW

cpdef bytes apply_mask(payload, bytes key)


@cython.final
cdef class MaskingKeys:
    cdef bytes _block
    cdef Py_ssize_t _next
    cdef int _forks

    @cython.locals(start=Py_ssize_t)
    cpdef bytes draw(self)
