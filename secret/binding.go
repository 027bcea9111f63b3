package secret

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/moat-lang/moat/resource"
)

// MaxTemplateLen is the length of the longest template, in bytes.
const MaxTemplateLen = 1024

// hole is where the value goes in a template.
const hole = "{}"

// A Binding says where the value of a secret may go, as a policy does:
//
//	secret openai for crawler on "https://api.openai.com/**" as header "Authorization" "Bearer {}"
//
// For whom is for the caller to know. The zero Binding is for no URL.
type Binding struct {
	name             string
	on               *resource.Pattern
	header, template string
}

// unfit are headers that no secret goes into: they say how the message is read or where it goes, or concern one connection
// (RFC 9110 section 7.6.1, RFC 9112), or are the client's own.
var unfit = []string{
	"Accept-Encoding", "Connection", "Content-Encoding", "Content-Length", "Expect", "Host", "Keep-Alive", "Proxy-Authenticate",
	"Proxy-Authorization", "Proxy-Connection", "Range", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// NewBinding returns the binding of the secret called name. The header is a token (RFC 9110 section 5.6.2) of letters, digits and hyphens.
// The template holds {} once, for the value, and otherwise what values hold. All URLs of the pattern have to be https, for a value
// isn't sent in the clear.
func NewBinding(name string, on *resource.Pattern, header, template string) (*Binding, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	canonical := http.CanonicalHeaderKey(header)
	switch {
	case header == "" || len(header) > 256 || strings.Trim(strings.ToLower(header), "abcdefghijklmnopqrstuvwxyz0123456789-") != "":
		return nil, fmt.Errorf("secret: %s: %.40q is not the name of a header", name, header)
	case slices.Contains(unfit, canonical):
		return nil, fmt.Errorf("secret: %s: no secret goes into the header %s", name, canonical)
	case strings.Count(template, hole) != 1 || len(template) > MaxTemplateLen:
		return nil, fmt.Errorf("secret: %s: the template must hold {} once and at most %d bytes", name, MaxTemplateLen)
	case !httpguts.ValidHeaderFieldValue(template) || strings.TrimSpace(template) != template:
		return nil, fmt.Errorf("secret: %s: the template has a control character, or a space first or last", name)
	case on == nil:
		return nil, fmt.Errorf("secret: %s: no pattern of URLs", name)
	}
	for _, alternative := range on.Alternatives() {
		if !strings.HasPrefix(alternative, "https://") {
			return nil, fmt.Errorf("secret: %s: %s isn't https, and the value would be sent in the clear", name, alternative)
		}
	}
	return &Binding{name, on, canonical, template}, nil
}

// Name returns the name of the secret.
func (b *Binding) Name() string { return b.name }

// Header returns the name of the header in its canonical form, as in "Authorization".
func (b *Binding) Header() string { return b.header }

// Match reports whether the value may go to this URL.
func (b *Binding) Match(url resource.Name) bool { return b.on != nil && b.on.Match(url) }

// Fill returns what the header has to be for v. It is an error if v is the zero Value.
func (b *Binding) Fill(v Value) (string, error) {
	if v.IsZero() || b.template == "" {
		return "", errors.New("secret: there is no value")
	}
	return strings.Replace(b.template, hole, v.text(), 1), nil
}
