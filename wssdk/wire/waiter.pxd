cimport cython


@cython.freelist(16)
@cython.final
cdef class Waiter:
    cdef object _loop
    cdef object _current_task
    cdef object _cancelled_error
    cdef bint _direct
    cdef public bint _asyncio_future_blocking
    cdef object _callback
    cdef object _context
    cdef list _others
    cdef bint _done
    cdef bint _cancelled
    cdef object _message

    cpdef bint done(self)
    cpdef set_result(self, result)
    cdef _schedule(self)
