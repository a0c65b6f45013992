cimport cython


@cython.final
cdef class Deflater:
    cdef int _window_bits
    cdef bint _no_context_takeover
    cdef int _level
    cdef int _mem_level
    cdef object _backend
    cdef object _zlib
    cdef bytes _history
    cdef bint _first
    cdef bint _used

    @cython.locals(out=bytes)
    cpdef bytes deflate(self, data, bint fin)
    cdef _remember(self, data)
    cpdef rest(self)


@cython.final
cdef class Inflater:
    cdef int _window_bits
    cdef bint _no_context_takeover
    cdef object _backend
    cdef object _error
    cdef object _zlib
    cdef bytes _history
    cdef bint _whole
    cdef bint _first

    @cython.locals(out=bytes)
    cpdef bytes inflate(self, data, bint fin, Py_ssize_t room)
    @cython.locals(out=bytes, final_blocks=int)
    cdef bytes _run(self, data, Py_ssize_t room)
