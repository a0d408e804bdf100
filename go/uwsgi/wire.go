package uwsgi

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// The modifiers of the packets that servers ask each other with; docs/remote.md
// describes these.
const (
	modifierCache      = 111
	modifierRPC        = 173
	modifierDictionary = 17 // the second modifier of packets that hold variables
	modifierLong       = 5  // of uWSGI's answers to calls that are longer than a packet
)

// longestPacket is how much can be in a packet.
const longestPacket = 65535

// grown is how much room is made at once for bytes that another server announces.
const grown = 1 << 20

var (
	errTooLong  = errors.New("it has no room in a packet")
	errNoAnswer = errors.New("what comes is no answer: is another service at that address?")
)

// variable is a name and a value in a packet.
type variable struct{ name, value string }

func numbered(name string, value uint64) variable {
	return variable{name, strconv.FormatUint(value, 10)}
}

// packed gives the packet with these variables.
func packed(modifier1, modifier2 byte, variables []variable) ([]byte, error) {
	packet := []byte{modifier1, 0, 0, modifier2}
	for _, v := range variables {
		for _, text := range [2]string{v.name, v.value} {
			if len(text) > longestPacket {
				return nil, errTooLong
			}
			packet = append(append(packet, byte(len(text)), byte(len(text)>>8)), text...)
		}
	}
	size := len(packet) - 4
	if size > longestPacket {
		return nil, errTooLong
	}
	packet[1], packet[2] = byte(size), byte(size>>8)
	return packet, nil
}

// unpacked gives what lies one after another in b, each behind its length in so many
// bytes, 2 or 4.
func unpacked(b []byte, width int) ([][]byte, error) {
	var parts [][]byte
	for len(b) > 0 {
		if len(b) < width {
			return nil, io.ErrUnexpectedEOF
		}
		length := uint64(binary.LittleEndian.Uint16(b))
		if width == 4 {
			length = uint64(binary.LittleEndian.Uint32(b))
		}
		b = b[width:]
		if length > uint64(len(b)) {
			return nil, io.ErrUnexpectedEOF
		}
		parts = append(parts, b[:length:length])
		b = b[length:]
	}
	return parts, nil
}

// answer is what another server answers.
type answer struct {
	status    string
	reason    string
	variables map[string]string
	bytes     []byte
}

// readAnswer reads one, whose bytes are at most so many.
func readAnswer(r *bufio.Reader, modifier1 byte, most uint64) (answer, error) {
	var header [4]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return answer{}, err
	}
	if header[0] != modifier1 || header[3] != modifierDictionary {
		return answer{}, errNoAnswer
	}
	packet := make([]byte, int(header[1])|int(header[2])<<8)
	if _, err := io.ReadFull(r, packet); err != nil {
		return answer{}, cut(err)
	}
	parts, err := unpacked(packet, 2)
	if err != nil || len(parts)%2 != 0 {
		return answer{}, errNoAnswer
	}
	a := answer{variables: make(map[string]string)}
	size := uint64(0)
	for i := 0; i < len(parts); i += 2 {
		value := string(parts[i+1])
		switch name := string(parts[i]); name {
		case "status":
			a.status = value
		case "reason":
			a.reason = value
		case "size":
			if size, err = strconv.ParseUint(value, 10, 63); err != nil {
				return answer{}, errNoAnswer
			}
		default:
			a.variables[name] = value
		}
	}
	if size > most {
		return answer{}, fmt.Errorf("the answer has %d bytes, and %d are allowed", size, most)
	}
	a.bytes, err = readBytes(r, size)
	return a, err
}

// readBytes reads so many bytes; memory is taken as they come.
func readBytes(r io.Reader, size uint64) ([]byte, error) {
	if size <= grown {
		b := make([]byte, size)
		_, err := io.ReadFull(r, b)
		return b, cut(err)
	}
	var b bytes.Buffer
	b.Grow(grown)
	if n, err := io.CopyN(&b, r, int64(size)); err != nil || uint64(n) < size {
		return nil, cut(err)
	}
	return b.Bytes(), nil
}

// cut is the error of something that has begun and does not go on.
func cut(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
