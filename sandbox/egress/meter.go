package egress

import (
	"context"
	"errors"
	"net"
	"sync"
)

// chunk is how much is read at once before it is paid, in bytes.
const chunk = 32 << 10

// A meter is a connection that counts the bytes of HTTP that it moves, and charges for them. Its methods may be called by several goroutines.
type meter struct {
	net.Conn
	charge func(context.Context, int64) error
	ctx    context.Context // for charge; of the one request that the connection is for

	mu             sync.Mutex
	sent, received int64
	err            error // of charge; nothing is moved once there is one
}

var errOver = errors.New("egress: the request is over")

func (m *meter) Write(p []byte) (int, error) {
	if err := m.pay(len(p), &m.sent); err != nil {
		return 0, err
	}
	return m.Conn.Write(p)
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.Conn.Read(p[:min(len(p), chunk)])
	if n > 0 {
		if err := m.pay(n, &m.received); err != nil {
			return 0, err
		}
	}
	return n, err
}

// pay adds n to a count and charges for it.
func (m *meter) pay(n int, count *int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return m.err
	}
	if m.charge != nil {
		if m.err = m.charge(m.ctx, int64(n)); m.err != nil {
			return m.err
		}
	}
	*count += int64(n)
	return nil
}

// work charges for bytes that aren't moved but looked through, while there is time.
func (m *meter) work(bytes int) error {
	if err := m.ctx.Err(); err != nil || bytes == 0 {
		return err
	}
	var elsewhere int64 // what is moved is what is counted
	return m.pay(bytes, &elsewhere)
}

// close ends the connection. Nothing is counted or charged after it has returned.
func (m *meter) close() (sent, received int64, err error) {
	m.Conn.Close()
	m.mu.Lock()
	defer m.mu.Unlock()
	if err = m.err; err == nil {
		m.err = errOver
	}
	return m.sent, m.received, err
}
