package ewslab

// Identifiers as clients see them: opaque base64 that carries kind, mailbox and row and proves that it was made here; change keys likewise.

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"time"
)

// idKind tells identifiers apart.
type idKind byte

const (
	kindFolder     idKind = 'F'
	kindItem       idKind = 'I'
	kindOccurrence idKind = 'O' // Row is the master, Original the start by the pattern
	kindAttachment idKind = 'A' // Row is the attachment
)

// id is what an identifier says.
type id struct {
	Kind     idKind
	Mailbox  int64
	Row      int64
	Original time.Time
}

// idPad makes identifiers as long as Exchange's: nobody shall build on short ones, and one client knows an identifier by its length.
var idPad = [88]byte{'A', 'Q', 'M', 'k', 'L', 'a', 'b', 0, 0x2e, 0, 0, 0x03, 0x5d, 0xc4}

// String is the identifier.
func (i id) String() string {
	b := append([]byte(nil), idPad[:]...)
	b = append(b, byte(i.Kind))
	b = binary.BigEndian.AppendUint64(b, uint64(i.Mailbox))
	b = binary.BigEndian.AppendUint64(b, uint64(i.Row))
	if i.Kind == kindOccurrence {
		b = binary.BigEndian.AppendUint64(b, uint64(i.Original.Unix()))
	}
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	return base64.StdEncoding.EncodeToString(b)
}

// parseID reads an identifier; ErrorInvalidIdMalformed when it is none of ours.
func parseID(s string) (id, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	head := len(idPad)
	if err != nil || len(b) < head+17+4 || crc32.ChecksumIEEE(b[:len(b)-4]) != binary.BigEndian.Uint32(b[len(b)-4:]) {
		return id{}, fail(errorIDMalformed)
	}
	i := id{Kind: idKind(b[head]), Mailbox: int64(binary.BigEndian.Uint64(b[head+1:])), Row: int64(binary.BigEndian.Uint64(b[head+9:]))}
	want := head + 17 + 4
	if i.Kind == kindOccurrence {
		if want += 8; len(b) == want {
			i.Original = time.Unix(int64(binary.BigEndian.Uint64(b[head+17:])), 0).UTC()
		}
	}
	if len(b) != want {
		return id{}, fail(errorIDMalformed)
	}
	return i, nil
}

// changeKey names a version: the number of the write that made it.
func changeKey(kind idKind, mod int64) string {
	b := append([]byte{'C', 'Q', byte(kind), 0, 0x16, 0, 0, 0}, binary.BigEndian.AppendUint64(nil, uint64(mod))...)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	return base64.StdEncoding.EncodeToString(b)
}

// parseChangeKey reads a change key; 0 for none.
func parseChangeKey(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(b) != 20 || crc32.ChecksumIEEE(b[:16]) != binary.BigEndian.Uint32(b[16:]) {
		return 0, fail("ErrorInvalidChangeKey")
	}
	return int64(binary.BigEndian.Uint64(b[8:])), nil
}
