cimport cython

from wssdk.wire cimport raw


cdef Py_ssize_t _SMALLEST
cdef Py_ssize_t _SMALL_READS
cdef bytearray _NOTHING


@cython.final
cdef class FrameReader:
    cdef readonly bint masked
    cdef Py_ssize_t _most
    cdef Py_ssize_t _size
    cdef Py_ssize_t _capacity
    cdef Py_ssize_t _small_reads
    cdef bytearray _buffer
    cdef bint _lent
    cdef object _view
    cdef unsigned char* _bytes
    cdef Py_ssize_t _start
    cdef Py_ssize_t _end
    cdef bytes _key
    cdef public bint in_frame
    cdef public bint fin
    cdef public int rsv
    cdef public int opcode
    cdef public long long length
    cdef public long long remaining
    cdef readonly unsigned long long data_frames

    @cython.locals(kept=Py_ssize_t)
    cpdef object get_buffer(self)
    @cython.locals(kept=Py_ssize_t, start=Py_ssize_t, buffer=bytearray)
    cdef _make_room(self, Py_ssize_t size)
    cpdef received(self, Py_ssize_t count)
    cpdef Py_ssize_t buffered(self)
    cpdef clear(self)
    cpdef settle(self)
    cpdef rest(self)
    cpdef release(self)
    @cython.locals(start=Py_ssize_t, have=Py_ssize_t, stop=Py_ssize_t, length=Py_ssize_t, first=int,
                   buffer="unsigned char*")
    cpdef object take_message(self, long long limit)
    @cython.locals(start=Py_ssize_t, have=Py_ssize_t, size=Py_ssize_t, i=Py_ssize_t, buffer="unsigned char*",
                   first=int, second=int, length="long long")
    cpdef bint parse_header(self) except -1
    @cython.locals(opcode=int)
    cdef int _check(self, int first, int second) except -1
    cpdef bint has_payload(self)
    @cython.locals(start=Py_ssize_t, count="long long", turn=int)
    cpdef bytes take(self)
    @cython.locals(count="long long")
    cpdef Py_ssize_t take_into(self, target, Py_ssize_t offset) except -1
