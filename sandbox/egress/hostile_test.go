package egress

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// newRawWorld starts a TLS server that reads a request and then does what it likes with the connection.
func newRawWorld(t *testing.T, serve func(net.Conn, *http.Request), change ...func(*Options)) *world {
	t.Helper()
	w := newWorld(t, nothing, change...)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: w.server.TLS.Certificates})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	_, w.port, _ = net.SplitHostPort(listener.Addr().String())
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					serve(conn, r)
				}
			}()
		}
	}()
	return w
}

// forever writes text again and again, until the other side has gone.
func forever(conn net.Conn, text string, pause time.Duration) {
	for {
		if _, err := io.WriteString(conn, text); err != nil {
			return
		}
		time.Sleep(pause)
	}
}

func TestHostileServers(t *testing.T) {
	says := func(text string) func(net.Conn, *http.Request) {
		return func(conn net.Conn, r *http.Request) {
			io.WriteString(conn, strings.ReplaceAll(text, "SECRET", r.Header.Get("Authorization")))
		}
	}
	const ok = "HTTP/1.1 200 OK\r\n"
	for name, tt := range map[string]struct {
		serve  func(net.Conn, *http.Request)
		code   Code
		status string
	}{
		"says nothing":         {says(""), CodeBadResponse, "0"},
		"another protocol":     {says("SSH-2.0-OpenSSH_9.9 SECRET\r\n"), CodeBadResponse, "0"},
		"a status that's none": {says("HTTP/1.1 SECRET\r\n\r\n"), CodeBadResponse, "0"},
		"a header that's none": {says(ok + "SECRET\r\n\r\n"), CodeBadResponse, "0"},
		"two lengths":          {says(ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"), CodeBadResponse, "0"},
		"negative length":      {says(ok + "Content-Length: -5\r\n\r\nhello"), CodeBadResponse, "0"},
		"unknown coding":       {says(ok + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), CodeBadResponse, "0"},
		"a part of the head":   {says(ok + "Content-Le"), CodeBadResponse, "0"},
		"a part of the body":   {says(ok + "Content-Length: 100\r\n\r\nhello SECRET"), CodeBadResponse, "200"},
		"a part of the chunks": {says(ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"), CodeBadResponse, "200"},
		"a chunk that's none":  {says(ok + "Transfer-Encoding: chunked\r\n\r\nSECRET\r\n\r\n"), CodeBadResponse, "200"},
		"switches protocols":   {says("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"), CodeBadResponse, "101"},
		"compressed":           {says(ok + "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello"), CodeBadResponse, "200"},
		"compressed twice":     {says(ok + "Content-Encoding: identity\r\nContent-Encoding: br\r\nContent-Length: 5\r\n\r\nhello"), CodeBadResponse, "200"},
		"claims too much":      {says(ok + "Content-Length: 999999999999\r\n\r\nhello"), CodeTooLarge, "200"},
		"a body without end": {func(conn net.Conn, _ *http.Request) {
			io.WriteString(conn, ok+"\r\n")
			forever(conn, strings.Repeat("x", 1<<16), 0)
		}, CodeTooLarge, "200"},
		"chunks without end": {func(conn net.Conn, _ *http.Request) {
			io.WriteString(conn, ok+"Transfer-Encoding: chunked\r\n\r\n")
			forever(conn, "5\r\nhello\r\n", 0)
		}, CodeTooLarge, "200"},
		"extensions of chunks": {func(conn net.Conn, _ *http.Request) {
			io.WriteString(conn, ok+"Transfer-Encoding: chunked\r\n\r\n")
			forever(conn, "1;"+strings.Repeat("x", 2000)+"\r\na\r\n", 0)
		}, CodeBadResponse, "200"},
		"headers without end": {func(conn net.Conn, _ *http.Request) { io.WriteString(conn, ok); forever(conn, "X-A: b\r\n", 0) }, CodeBadResponse, "0"},
		"a header without end": {func(conn net.Conn, _ *http.Request) {
			io.WriteString(conn, ok+"X: ")
			forever(conn, strings.Repeat("x", 1000), 0)
		}, CodeBadResponse, "0"},
		"1xx without end": {func(conn net.Conn, _ *http.Request) { forever(conn, "HTTP/1.1 103 Early Hints\r\nX-A: b\r\n\r\n", 0) }, CodeBadResponse, "0"},
		"100 without end": {func(conn net.Conn, _ *http.Request) { forever(conn, "HTTP/1.1 100 Continue\r\n\r\n", 0) }, CodeBadResponse, "0"},
		"silent":          {func(conn net.Conn, _ *http.Request) { io.Copy(io.Discard, conn) }, CodeTimeout, "0"},
		"slow head": {func(conn net.Conn, _ *http.Request) {
			io.WriteString(conn, ok)
			forever(conn, "X: y\r\n", 20*time.Millisecond)
		}, CodeTimeout, "0"},
		"slow body": {func(conn net.Conn, _ *http.Request) {
			io.WriteString(conn, ok+"\r\n")
			forever(conn, "x", 20*time.Millisecond)
		}, CodeTimeout, "200"},
		"a body that's delayed": {func(conn net.Conn, _ *http.Request) {
			io.WriteString(conn, ok+"Content-Length: 5\r\n\r\nhell")
			io.Copy(io.Discard, conn)
		}, CodeTimeout, "200"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRawWorld(t, tt.serve, func(o *Options) {
				o.MaxResponse = 100_000
				o.Timeout = 20 * time.Second
				if tt.code == CodeTimeout {
					o.Timeout = 2 * time.Second // enough for the handshakes of all of these at once
				}
			})
			resp, err := w.get("/", "key")
			wantCode(t, err, tt.code)
			if resp != nil {
				t.Errorf("the response is %v", resp)
			}
			word := string(tt.code)
			if want := "connect " + word + " " + tt.status + ", use injected " + tt.status; strings.Join(w.outcomes, ", ") != want {
				t.Errorf("on record is %q, want %q", w.outcomes, want)
			}
		})
	}
}

// What has no length ends with the connection.
func TestCloseDelimited(t *testing.T) {
	w := newRawWorld(t, func(conn net.Conn, _ *http.Request) { io.WriteString(conn, "HTTP/1.0 200 OK\r\n\r\nhello") })
	if resp, err := w.get("/"); err != nil || string(resp.Body) != "hello" {
		t.Errorf("%v, %v", resp, err)
	}
}

// A bomb isn't unpacked.
func TestGzipBomb(t *testing.T) {
	w := newWorld(t, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(rw)
		z.Write(make([]byte, 1<<24))
		z.Close()
	})
	_, err := w.get("/")
	wantCode(t, err, CodeBadResponse)
}

func TestBodyAtTheLimit(t *testing.T) {
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		n := 1000
		if r.URL.Path == "/more" {
			n++
		}
		rw.(http.Flusher).Flush() // no Content-Length
		rw.Write(make([]byte, n))
	}, func(o *Options) { o.MaxResponse = 1000 })
	if resp, err := w.get("/"); err != nil || len(resp.Body) != 1000 {
		t.Errorf("%v", err)
	}
	_, err := w.get("/more")
	wantCode(t, err, CodeTooLarge)
}

// The caller's time counts as well, whatever is being waited for.
func TestCanceled(t *testing.T) {
	w := newRawWorld(t, func(conn net.Conn, _ *http.Request) { io.Copy(io.Discard, conn) })
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	_, err := w.Do(ctx, &Request{Method: "GET", URL: w.url("api.example.com", "/")})
	wantCode(t, err, CodeCanceled)

	w.opts.Ask = func(ctx context.Context, _ Question) (func(Outcome) error, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = w.Do(ctx, &Request{Method: "GET", URL: w.url("api.example.com", "/")})
	wantCode(t, err, CodeRefused)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("what Ask said is lost: %v", err)
	}
}

// A server that never finishes the handshake, and addresses that nobody is at.
func TestDialTime(t *testing.T) {
	w := newWorld(t, nothing, func(o *Options) { o.Timeout = 300 * time.Millisecond })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, w.port, _ = net.SplitHostPort(listener.Addr().String())
	_, err = w.get("/", "key")
	wantCode(t, err, CodeTimeout)
	listener.Close()
	_, err = w.get("/", "key")
	wantCode(t, err, CodeUnreachable)
	for _, o := range w.outcomes {
		if strings.HasPrefix(o, "use injected") {
			t.Errorf("%q, though nothing was sent", w.outcomes)
		}
	}
}

// A slow resolver is left.
func TestResolverTime(t *testing.T) {
	w := newWorld(t, nothing, func(o *Options) {
		o.Timeout = 100 * time.Millisecond
		o.Resolver = slowResolver{}
	})
	_, err := w.get("/")
	wantCode(t, err, CodeTimeout)
}
