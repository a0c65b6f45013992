"""Fills slots that Cython has no words for: awaitables that complete without a StopIteration of their own.

Python 3.11 asks ``am_send`` what an awaitable has to say, and that can return a value. Later versions ask
``tp_iternext``, which can only raise StopIteration with it: one object of it is used again for all. Without
a value no exception is needed at all.
"""

from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF

from wssdk.wire.operations cimport MessagePath, Send
from wssdk.wire.receive cimport Receive

from types import AsyncGeneratorType


cdef extern from *:
    """
    static void wssdk_raise(PyObject *error)
    {
    #if PY_VERSION_HEX < 0x030C0000
        PyErr_Restore(Py_NewRef((PyObject *)Py_TYPE(error)), error, NULL);
    #else
        PyErr_SetRaisedException(error);
    #endif
    }

    static PyObject *wssdk_stop = NULL;

    /* Whether a value is small enough to be kept alive until the next one comes. */
    static int wssdk_is_small(PyObject *value)
    {
        if (PyBytes_CheckExact(value))
            return PyBytes_GET_SIZE(value) <= 4096;
        return PyUnicode_CheckExact(value) && PyUnicode_GET_LENGTH(value) <= 1024;
    }

    /* Raise StopIteration with a value, whose reference is taken over. It is set, not given to the
       constructor, which may take a tuple apart. */
    static void wssdk_stop_with(PyObject *value)
    {
        PyObject *stop = wssdk_stop;
    #ifndef Py_GIL_DISABLED
        if (stop != NULL && Py_REFCNT(stop) == 1 && wssdk_is_small(value)) {
            PyStopIterationObject *fields = (PyStopIterationObject *)stop;
            Py_XSETREF(fields->value, value);
            if (fields->traceback != NULL)
                Py_CLEAR(fields->traceback);
            if (fields->context != NULL)
                Py_CLEAR(fields->context);
            wssdk_raise(Py_NewRef(stop));
            return;
        }
    #endif
        stop = PyObject_CallNoArgs(PyExc_StopIteration);
        if (stop == NULL) {
            Py_DECREF(value);
            return;
        }
        Py_XSETREF(((PyStopIterationObject *)stop)->value, value);
    #ifndef Py_GIL_DISABLED
        if (wssdk_is_small(value))
            Py_XSETREF(wssdk_stop, Py_NewRef(stop));
    #endif
        wssdk_raise(stop);
    }
    """
    void wssdk_stop_with(PyObject* value)
    int PyIter_Send(PyObject* iterator, PyObject* argument, PyObject** result) except -1

    ctypedef struct PyAsyncMethods:
        void* am_send

    ctypedef struct Kind "PyTypeObject":
        PyAsyncMethods* tp_as_async
        void* tp_iternext


# What am_send returns, besides -1 for an error: PYGEN_RETURN and PYGEN_NEXT.
cdef enum:
    RETURN = 0
    NEXT = 1


cdef int receive_send(PyObject* self, PyObject* argument, PyObject** result) except -1:
    cdef Receive receive = <Receive>self
    result[0] = NULL
    value = receive.step()
    Py_INCREF(value)
    result[0] = <PyObject*>value
    return NEXT if receive.blocked else RETURN


cdef PyObject* receive_next(PyObject* self) except? NULL:
    cdef Receive receive = <Receive>self
    value = receive.step()
    Py_INCREF(value)
    if receive.blocked:
        return <PyObject*>value
    wssdk_stop_with(<PyObject*>value)
    return NULL


cdef int send_send(PyObject* self, PyObject* argument, PyObject** result) except -1:
    cdef Send send = <Send>self
    result[0] = NULL
    if send._rest is not None:
        send.check_alone()
    elif send.begin():
        Py_INCREF(send.result)
        result[0] = <PyObject*>send.result
        return RETURN
    return send_rest(send, argument, result)


cdef int send_rest(Send send, PyObject* argument, PyObject** result) except -1:
    # PyIter_Send says what it is that came out of the coroutine.
    cdef int kind = PyIter_Send(<PyObject*>send._rest, argument, result)
    if kind == RETURN:
        Py_XDECREF(result[0])
        Py_INCREF(send.result)
        result[0] = <PyObject*>send.result
    else:
        send._waited = <object>result[0]
    return kind


cdef PyObject* send_next(PyObject* self) except? NULL:
    cdef Send send = <Send>self
    cdef PyObject* result = NULL
    if send._rest is not None:
        send.check_alone()
    elif send.begin():
        return send_end(send)
    if send_rest(send, <PyObject*>None, &result) == RETURN:
        Py_XDECREF(result)
        return send_end(send)
    return result


cdef PyObject* send_end(Send send) except? NULL:
    # NULL without an exception says that the result is None.
    if send.result is not None:
        Py_INCREF(send.result)
        wssdk_stop_with(<PyObject*>send.result)
    return NULL


cdef void fill(type kind, void* send, void* next_) noexcept:
    cdef Kind* slots = <Kind*><PyObject*>kind
    slots.tp_as_async.am_send = send
    slots.tp_iternext = next_


cdef extern from *:
    """
    #include <structmember.h>

    /* Have subclasses inherit am_anext as it is. Cython puts a method descriptor in its place, which makes
       them call __anext__ by its name, as if it were written in Python. */
    static int wssdk_inherit_anext(PyTypeObject *kind, PyObject *example)
    {
        PyWrapperDescrObject *known = (PyWrapperDescrObject *)example;
        PyObject *own, *dict;
        int failed;
        if (!Py_IS_TYPE(example, &PyWrapperDescr_Type))
            return 0;
        own = PyDescr_NewWrapper(kind, known->d_base, (void *)kind->tp_as_async->am_anext);
        if (own == NULL)
            return -1;
        dict = kind->tp_dict;
        failed = PyDict_SetItemString(dict, "__anext__", own);
        Py_DECREF(own);
        PyType_Modified(kind);
        return failed;
    }
    """
    int wssdk_inherit_anext(void* kind, PyObject* example) except -1


fill(Receive, <void*>receive_send, <void*>receive_next)
fill(Send, <void*>send_send, <void*>send_next)
wssdk_inherit_anext(<void*><PyObject*>MessagePath, <PyObject*>AsyncGeneratorType.__dict__["__anext__"])
