package uwsgi

import (
	"io"
	"net/http"
	"os"
	"sync"
	"syscall"
)

// sniffSize is how much of a body http.DetectContentType looks at.
const sniffSize = 512

// copyBuffers are for what is copied through the program.
var copyBuffers = sync.Pool{New: func() interface{} { return new([32 << 10]byte) }}

// writerOnly hides ReadFrom from io.Copy.
type writerOnly struct{ io.Writer }

// ReadFrom adds to the body what src gives, to its end: see io.ReaderFrom. What
// can go from a file to the peer without being copied does, as in
// http.ServeContent.
func (w *response) ReadFrom(src io.Reader) (int64, error) {
	var sent int64
	if file, limited := fileOf(src); file != nil {
		n, err := w.sniff(src)
		sent += n
		if err != nil {
			return sent, err
		}
		n, err = w.sendFile(file, limited)
		sent += n
		if err != nil {
			return sent, err
		}
	}
	buffer := copyBuffers.Get().(*[32 << 10]byte)
	defer copyBuffers.Put(buffer)
	n, err := io.CopyBuffer(writerOnly{w}, src, buffer[:])
	return sent + n, err
}

// fileOf gives the regular file that src reads from, if it does, with the reader
// that limits how much.
func fileOf(src io.Reader) (*os.File, *io.LimitedReader) {
	limited, _ := src.(*io.LimitedReader)
	if limited != nil {
		src = limited.R
	}
	file, _ := src.(*os.File)
	if file == nil || limited != nil && limited.N <= bufferSize {
		return nil, nil
	}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, nil
	}
	return file, limited
}

// sniff copies what the Content-Type is told from, if it is to be told.
func (w *response) sniff(src io.Reader) (int64, error) {
	w.mu.Lock()
	known := w.open() != nil || w.typed || w.written > 0
	w.mu.Unlock()
	if known {
		return 0, nil
	}
	n, err := io.CopyN(writerOnly{w}, src, sniffSize)
	if err == io.EOF {
		err = nil
	}
	return n, err
}

// sendFile lets the server send from the file; 0 and no error: it cannot, and what
// the file has is to be copied.
func (w *response) sendFile(file *os.File, limited *io.LimitedReader) (int64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	x := w.exchange
	if w.open() != nil || w.failed != nil || !w.takesFile() {
		return 0, nil
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return 0, nil
	}
	if err := w.sendKept(nil); err != nil {
		return 0, err
	}
	var sent int64
	for {
		count := w.contentLength - w.written
		if limited != nil && limited.N < count {
			count = limited.N
		}
		n := x.writable.await(func() int64 { return sendFileThrough(raw, x.id, count) })
		switch {
		case n > 0:
			sent += n
			w.written += n
			if limited != nil {
				limited.N -= n
			}
		case n == 0 || n == errTurn:
			return sent, nil
		default:
			w.failed = writeError(n)
			return sent, w.failed
		}
	}
}

// takesFile says whether the body goes out as it is.
func (w *response) takesFile() bool {
	return w.contentLength >= 0 && allowsBody(w.status) && w.exchange.request.Method != http.MethodHead
}

func sendFileThrough(raw syscall.RawConn, exchange uint64, count int64) (n int64) {
	if err := raw.Control(func(fd uintptr) { n = abiSendFile(exchange, fd, count) }); err != nil {
		return errTurn
	}
	return n
}
