package ewslab

// A recording without a telephone: a short melody, as a WAV file that every browser plays.

import (
	"encoding/binary"
	"math"
)

// toneRate is samples per second, of one byte each, as telephones have it.
const toneRate = 8000

// tone makes a WAV file (PCM, 8 bits, one channel) of whole seconds: a note a second, with a soft beginning and end.
func tone(seconds int) []byte {
	size := max(seconds, 1) * toneRate
	out := make([]byte, 0, 44+size)
	out = append(out, "RIFF"...)
	out = binary.LittleEndian.AppendUint32(out, uint32(36+size))
	out = append(out, "WAVEfmt "...)
	out = binary.LittleEndian.AppendUint32(out, 16) // length of the format
	out = binary.LittleEndian.AppendUint16(out, 1)  // PCM
	out = binary.LittleEndian.AppendUint16(out, 1)  // channels
	out = binary.LittleEndian.AppendUint32(out, toneRate)
	out = binary.LittleEndian.AppendUint32(out, toneRate) // bytes a second
	out = binary.LittleEndian.AppendUint16(out, 1)        // bytes a sample
	out = binary.LittleEndian.AppendUint16(out, 8)        // bits
	out = append(out, "data"...)
	out = binary.LittleEndian.AppendUint32(out, uint32(size))
	notes := [...]float64{440, 523.25, 659.25, 523.25}
	for i := range size {
		within := float64(i%toneRate) / toneRate
		loud := 80 * math.Sin(math.Pi*within) // zero at both ends of a note: no clicks
		wave := math.Sin(2 * math.Pi * notes[i/toneRate%len(notes)] * within)
		out = append(out, byte(128+int(math.Round(loud*wave))))
	}
	return out
}
