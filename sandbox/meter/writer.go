package meter

import "encoding/binary"

// appendUnsigned appends v as LEB128, in the shortest form.
func appendUnsigned[T int | uint32](b []byte, v T) []byte { return binary.AppendUvarint(b, uint64(v)) }

// appendSigned appends v as signed LEB128, in the shortest form.
func appendSigned(b []byte, v int64) []byte {
	for {
		low := byte(v & 0x7f)
		v >>= 7
		if v == 0 && low < 0x40 || v == -1 && low >= 0x40 {
			return append(b, low)
		}
		b = append(b, low|0x80)
	}
}

func appendName(b []byte, name string) []byte {
	return append(appendUnsigned(b, len(name)), name...)
}
