from wssdk.wire cimport raw

cdef list _stock

cpdef bytes apply_mask(payload, bytes key)
cpdef bytes next_masking_key()
