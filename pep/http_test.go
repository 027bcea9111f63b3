package pep_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/moat-lang/moat/pep"
	"github.com/moat-lang/moat/token"
)

func TestGuard(t *testing.T) {
	w := started(t)
	reached := 0
	server := httptest.NewServer(w.pep.Guard(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		reached++
		if a, ok := pep.Permitted(r.Context()); !ok || a.Request.Subject != "coordinator" {
			t.Errorf("%+v", a)
		}
		if body, _ := io.ReadAll(r.Body); len(body) > 0 {
			t.Error("the handler sees another payload")
		}
	})))
	defer server.Close()
	post := func(contentType string, body []byte) (int, map[string]any) {
		resp, err := http.Post(server.URL, contentType, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		out := map[string]any{}
		_ = json.NewDecoder(resp.Body).Decode(&out)
		return resp.StatusCode, out
	}
	encode := func(d *token.Delivery) []byte { return must[[]byte](t)(d.Encode()) }
	good := encode(w.delivery("note", note, "coordinator"))
	if status, _ := post(pep.MediaType, good); status != http.StatusOK || reached != 1 {
		t.Errorf("a permitted message: %d", status)
	}
	for name, c := range map[string]struct {
		contentType string
		body        []byte
		status      int
		code        string
	}{
		"replay":     {pep.MediaType, good, 401, "unauthenticated"},
		"junk":       {pep.MediaType, []byte("{}"), 401, "unauthenticated"},
		"empty":      {pep.MediaType, nil, 401, "unauthenticated"},
		"denied":     {pep.MediaType, encode(w.delivery("deploy", `{"commit": "1", "hosts": 1}`, "coordinator", "deployer")), 403, "condition_failed"},
		"other type": {"application/json", good, 415, ""},
		"large":      {pep.MediaType, make([]byte, token.MaxDeliverySize+1), 413, ""},
	} {
		status, body := post(c.contentType, c.body)
		if code, _ := body["code"].(string); status != c.status || code != c.code {
			t.Errorf("%s: %d %v", name, status, body)
		}
	}
	status, body := post(pep.MediaType, encode(w.delivery("pay", payment, "coordinator")))
	ask, _ := body["ask"].(map[string]any)
	if status != 403 || body["outcome"] != "ask" || len(ask) != 6 {
		t.Errorf("an ask: %d %v", status, body)
	}
	if reached != 1 {
		t.Errorf("the handler was reached %d times", reached)
	}
	resp, err := http.Get(server.URL)
	if err != nil || resp.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("GET: %v %v", resp, err)
	}
	if _, ok := pep.Permitted(t.Context()); ok {
		t.Error("a context of nobody is permitted")
	}
}
