package pep

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/moat-lang/moat/eval"
	"github.com/moat-lang/moat/token"
)

// MediaType is that of a delivery over HTTP.
const MediaType = "application/moat-delivery+cbor"

// Guard puts the PEP in front of a handler. The body of a request is a delivery of the MediaType. What is permitted reaches next, with the
// answer in its context ([Permitted]) and without the body: there is nothing to act on but what was decided. All else is answered here, as
// JSON with a fixed message and the code:
//
//	403 {"outcome": "deny", "code": "forbidden", "message": "The policy does not permit this action (forbidden)."}
//	403 {"outcome": "ask", "code": "needs_approval", "message": "…", "ask": {…}}
//
// Whoever hasn't passed the first stage gets 401, whatever was wrong. 413 and 415 are answered before anything is decided.
func (p *PEP) Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != MediaType {
			w.Header().Set("Accept-Post", MediaType)
			http.Error(w, "send a POST of "+MediaType, http.StatusUnsupportedMediaType)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, token.MaxDeliverySize))
		if err != nil {
			status := http.StatusBadRequest
			var large *http.MaxBytesError
			if errors.As(err, &large) {
				status = http.StatusRequestEntityTooLarge
			}
			http.Error(w, http.StatusText(status), status)
			return
		}
		a := p.Decide(r.Context(), body)
		if a.Outcome != eval.Permit {
			refuse(w, a)
			return
		}
		inner := r.WithContext(context.WithValue(r.Context(), permittedKey{}, a))
		inner.Body, inner.ContentLength = http.NoBody, 0
		next.ServeHTTP(w, inner)
	})
}

type permittedKey struct{}

// Permitted returns the answer that let a request through a Guard. It reports false for a request that came another way.
func Permitted(ctx context.Context) (Answer, bool) {
	a, ok := ctx.Value(permittedKey{}).(Answer)
	return a, ok && a.Outcome == eval.Permit
}

func refuse(w http.ResponseWriter, a Answer) {
	status := http.StatusForbidden
	if a.Code == CodeUnauthenticated {
		status = http.StatusUnauthorized
	}
	body := struct {
		Outcome string    `json:"outcome"`
		Code    eval.Code `json:"code"`
		Message string    `json:"message"`
		Ask     *Ask      `json:"ask,omitempty"`
	}{a.Outcome.String(), a.Code, a.ForSender(), a.Ask}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
