cimport cython

from wssdk.wire.wakeup cimport Wakeup


@cython.final
cdef class Fragment:
    cdef readonly int opcode
    cdef readonly bytes data
    cdef readonly bint fin


@cython.final
cdef class FragmentedMessage:
    cdef readonly object data
    cdef readonly object sizes


@cython.final
cdef class Inbox:
    cdef Py_ssize_t _high
    cdef Py_ssize_t _low
    cdef object _on_low
    cdef list _ring
    cdef Py_ssize_t _mask
    cdef Py_ssize_t _first
    cdef readonly Py_ssize_t count
    cdef public bint stalled
    cdef public bint ended
    cdef public object waiter
    cdef public bint torn

    cpdef bint is_full(self)
    cpdef put(self, item)
    cdef _grow(self)
    @cython.locals(first=Py_ssize_t)
    cpdef take(self)
    @cython.locals(items=list, ring=list, first=Py_ssize_t, count=Py_ssize_t)
    cpdef list take_many(self, Py_ssize_t most)
    @cython.locals(wakeup=Wakeup)
    cpdef wake(self)
    cpdef end(self)


@cython.freelist(16)
@cython.final
cdef class Claim:
    cdef Inbox _inbox
    cdef Wakeup _wakeup
    cdef bint _held

    cpdef take(self)
    cpdef give_back(self)
