cimport cython

from wssdk.wire.wakeup cimport Wakeup


cdef int _DROP_OLDEST
cdef int _LATEST
cdef int _CLOSE
cdef Py_ssize_t _NEVER


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
    cdef long long _high_bytes
    cdef long long _low_bytes
    cdef int _policy
    cdef object _on_low
    cdef list _ring
    cdef list _sizes
    cdef Py_ssize_t _mask
    cdef Py_ssize_t _first
    cdef readonly Py_ssize_t count
    cdef readonly bint judges
    cdef public bint patient
    cdef public bint streamed
    cdef readonly bint metered
    cdef readonly long long held
    cdef readonly Py_ssize_t dropped
    cdef readonly long long dropped_bytes
    cdef public bint stalled
    cdef public bint ended
    cdef public object waiter
    cdef public bint torn
    cdef public bint lost

    cpdef bint is_full(self)
    cpdef bint has_room(self)
    cpdef put(self, item)
    cpdef bint admit(self, item, long long size) except -1
    cpdef refuse(self, long long size, bint whole=*)
    cdef _drop_all_but(self, Py_ssize_t newest)
    @cython.locals(i=Py_ssize_t, size="long long", sizes=list)
    cdef _forget(self, Py_ssize_t count)
    cdef _step(self)
    cdef _leave(self)
    cdef bint _is_low(self)
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
