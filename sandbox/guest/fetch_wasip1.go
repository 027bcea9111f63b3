package guest

import (
	"errors"
	"unsafe"
)

//go:wasmimport moat fetch
func hostFetch(head unsafe.Pointer, headLen uint32, body unsafe.Pointer, bodyLen uint32) uint32

//go:wasmimport moat fetch_size
func hostSize(handle, part uint32) uint32

//go:wasmimport moat fetch_read
func hostRead(handle, part, offset uint32, to unsafe.Pointer, n uint32) uint32

//go:wasmimport moat fetch_close
func hostClose(handle uint32)

// fetch makes a request and returns the two parts of its reply.
func fetch(head, body []byte) (replyHead, replyBody []byte, err error) {
	handle := hostFetch(unsafe.Pointer(unsafe.SliceData(head)), uint32(len(head)), unsafe.Pointer(unsafe.SliceData(body)), uint32(len(body)))
	if handle == 0 {
		return nil, nil, errors.New("guest: too many replies are held")
	}
	defer hostClose(handle)
	return read(handle, 0), read(handle, 1), nil
}

func read(handle, part uint32) []byte {
	out := make([]byte, hostSize(handle, part))
	n := hostRead(handle, part, 0, unsafe.Pointer(unsafe.SliceData(out)), uint32(len(out)))
	return out[:n]
}
