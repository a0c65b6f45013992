# raw.py in C. A module that cimports this one gets these bodies inlined.

from cpython.buffer cimport PyBUF_SIMPLE, Py_buffer, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.string cimport memcpy


cdef extern from *:
    """
    #include <stdint.h>

    static CYTHON_INLINE void wssdk_xor(unsigned char *out, const unsigned char *in, Py_ssize_t size,
                                        const unsigned char *key)
    {
        /* Eight bytes at a time; the compiler makes vectors of them. Any alignment will do. */
        uint32_t half;
        uint64_t whole;
        Py_ssize_t i = 0;
        memcpy(&half, key, 4);
        whole = ((uint64_t)half << 32) | half;
        for (; i + 8 <= size; i += 8) {
            uint64_t word;
            memcpy(&word, in + i, 8);
            word ^= whole;
            memcpy(out + i, &word, 8);
        }
        for (; i < size; i++)
            out[i] = in[i] ^ key[i & 3];
    }

    /* UTF-8 to str. Most text is ASCII, which only has to be copied: CPython looks for other bytes eight
       at a time, one after the other; a block at a time the compiler makes vectors of it. */
    static CYTHON_INLINE PyObject *wssdk_text(const unsigned char *data, Py_ssize_t size)
    {
        const uint64_t high = 0x8080808080808080U;
        uint64_t words[8], bits = 0;
        PyObject *text;
        Py_ssize_t i = 0;
        for (; i + 64 <= size && !(bits & high); i += 64) {
            memcpy(words, data + i, 64);
            for (int j = 0; j < 8; j++)
                bits |= words[j];
        }
        for (; i + 8 <= size; i += 8) {
            memcpy(words, data + i, 8);
            bits |= words[0];
        }
        for (; i < size; i++)
            bits |= data[i];
        if (bits & high)
            return PyUnicode_DecodeUTF8((const char *)data, size, NULL);
        text = PyUnicode_New(size, 0x7F);
        if (text != NULL)
            memcpy(PyUnicode_DATA(text), data, size);
        return text;
    }
    """
    object wssdk_text(const unsigned char* data, Py_ssize_t size)
    void wssdk_xor(unsigned char* out, const unsigned char* data, Py_ssize_t size, const unsigned char* key) nogil
    const char* PyUnicode_AsUTF8AndSize(object text, Py_ssize_t* size) except NULL
    Py_ssize_t Py_REFCNT(object thing)
    bytearray PyByteArray_FromStringAndSize(const char* data, Py_ssize_t size)


cdef inline bytes cut(const unsigned char* buffer, Py_ssize_t start, Py_ssize_t stop):
    return PyBytes_FromStringAndSize(<const char*>buffer + start, stop - start)


cdef inline str cut_text(const unsigned char* buffer, Py_ssize_t start, Py_ssize_t stop):
    return wssdk_text(buffer + start, stop - start)


cdef inline str text(bytes data):
    return wssdk_text(<const unsigned char*>PyBytes_AS_STRING(data), len(data))


cdef inline bytearray new_buffer(Py_ssize_t size):
    return PyByteArray_FromStringAndSize(NULL, size)


# bytes that nobody has seen yet may be written to: no second copy is needed.
cdef inline object room_for(Py_ssize_t size):
    return PyBytes_FromStringAndSize(NULL, size)


cdef inline void fill(object target, Py_ssize_t offset, const unsigned char* buffer, Py_ssize_t start,
                      Py_ssize_t stop) noexcept:
    memcpy(PyBytes_AS_STRING(target) + offset, buffer + start, stop - start)


cdef inline bytes filled(object target):
    return <bytes>target


cdef inline bytes xor(object payload, bytes key):
    cdef Py_buffer view
    cdef bytes out
    PyObject_GetBuffer(payload, &view, PyBUF_SIMPLE)
    try:
        out = PyBytes_FromStringAndSize(NULL, view.len)
        wssdk_xor(<unsigned char*>PyBytes_AS_STRING(out), <unsigned char*>view.buf, view.len,
                  <const unsigned char*>PyBytes_AS_STRING(key))
    finally:
        PyBuffer_Release(&view)
    return out


cdef inline bytes build(int first, const unsigned char* payload, Py_ssize_t size, bytes key):
    cdef Py_ssize_t head = 2 if size < 126 else 4 if size < 65536 else 10
    cdef Py_ssize_t shift
    cdef unsigned char flag = 0 if key is None else 0x80
    cdef bytes out = PyBytes_FromStringAndSize(NULL, head + (0 if key is None else 4) + size)
    cdef unsigned char* p = <unsigned char*>PyBytes_AS_STRING(out)
    p[0] = first
    if head == 2:
        p[1] = size | flag
    elif head == 4:
        p[1] = 126 | flag
        p[2] = size >> 8
        p[3] = size & 0xFF
    else:
        p[1] = 127 | flag
        for shift in range(8):
            p[9 - shift] = (size >> (8 * shift)) & 0xFF
    p += head
    if key is None:
        memcpy(p, payload, size)
    else:
        memcpy(p, PyBytes_AS_STRING(key), 4)
        wssdk_xor(p + 4, payload, size, <const unsigned char*>PyBytes_AS_STRING(key))
    return out


cdef inline bytes frame(int first, object payload, bytes key):
    cdef Py_buffer view
    if type(payload) is bytes:
        return build(first, <const unsigned char*>PyBytes_AS_STRING(payload), len(<bytes>payload), key)
    PyObject_GetBuffer(payload, &view, PyBUF_SIMPLE)
    try:
        return build(first, <const unsigned char*>view.buf, view.len, key)
    finally:
        PyBuffer_Release(&view)


cdef inline bytes text_frame(int first, str message, bytes key):
    cdef Py_ssize_t size = 0
    cdef const char* text = PyUnicode_AsUTF8AndSize(message, &size)
    return build(first, <const unsigned char*>text, size, key)


cdef inline bint only_mine(object thing):
    # One reference is the attribute's, one the argument's.
    return Py_REFCNT(thing) <= 2
