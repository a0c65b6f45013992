cimport cython


@cython.final
cdef class Wakeup:
    cdef object _new_future
    cdef object _current_task
    cdef bint _direct
    cdef object _forget
    cdef object _future
    cdef object _past
    cdef readonly bint asleep

    cpdef object sleep(self)
    cpdef bint is_over(self) except -1
    cpdef give_up(self)
    @cython.locals(callbacks=list)
    cpdef wake(self)
    cdef _schedule(self)
