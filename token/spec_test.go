package token

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The tables of spec/TOKEN.md are those of the code, and its example is a trust document.
func TestSpec(t *testing.T) {
	const path = "../spec/TOKEN.md"
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var limits, reasons strings.Builder
	for _, row := range LimitRules {
		limits.WriteString("| " + strings.Join([]string{row.Name, row.Where, row.Unit, row.Absent, row.Zero, row.Child, row.Policy}, " | ") + " |\n")
	}
	for _, row := range Reasons {
		reasons.WriteString("| `" + string(row.Reason) + "` | " + row.Meaning + " |\n")
	}
	text := string(raw)
	for head, rows := range map[string]string{"| limit | field ": limits.String(), "| reason | means ": reasons.String()} {
		table := regexp.MustCompile(regexp.QuoteMeta(head) + `[^\n]*\n[|-]+\n((\|[^\n]*\n)*)`)
		m := table.FindStringSubmatchIndex(text)
		if m == nil {
			t.Fatalf("%s has no table %s", path, head)
		}
		if *updateSpec {
			text = text[:m[2]] + rows + text[m[3]:]
		} else if got := text[m[2]:m[3]]; got != rows {
			t.Errorf("the table %s is\n%s\nand of the code (go test ./token -run Spec -update-spec writes it)\n%s", head, got, rows)
		}
	}
	if *updateSpec {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	example := regexp.MustCompile("(?s)```json\n(.*?)```").FindStringSubmatch(text)
	if example == nil {
		t.Fatal("no example of a trust document")
	}
	if _, err := ParseTrust([]byte(example[1])); err != nil {
		t.Error(show(err))
	}
	for _, n := range []struct {
		row   string
		bound int
	}{
		{"| a token | 65,536 bytes, 16 blocks |", MaxTokenSize * MaxBlocks},
		{"| a block | 64 grants, 64 denials, 16 caveats of 4,096 bytes |", MaxGrants * MaxGrants * MaxCaveats * MaxCaveatSize},
		{"| a grant | 32 actions of 256 bytes, 64 patterns |", MaxActions * MaxActionLen * MaxResources},
		{"| a message | 73,728 bytes, of which arguments 65,536 |", MaxMessageSize * MaxArgsSize},
		{"| an attestation, an approval | 4,096 bytes |", MaxStatementSize},
		{"| a delivery | 262,144 bytes, 16 attestations, 16 approvals |", MaxDeliverySize * MaxStatements * MaxStatements},
		{"| a revocation list | 1,048,576 bytes, 16,384 entries of each kind |", MaxRevocationSize * MaxRevoked},
		{"| a trust document | 1,048,576 bytes, 4,096 entries of each kind |", MaxTrustSize * MaxTrusted},
		{"| comparing the grants of one token | 1,048,576 steps |", MaxSteps},
		{"| memory for the decoded form of a token | 128 times its bytes |", MaxExpansion},
	} {
		product := 1
		for _, digits := range regexp.MustCompile(`[0-9][0-9,]*`).FindAllString(n.row, -1) {
			v := 0
			for _, d := range strings.ReplaceAll(digits, ",", "") {
				v = 10*v + int(d-'0')
			}
			product *= v
		}
		if !strings.Contains(text, n.row+"\n") || product != n.bound {
			t.Errorf("the row %q isn't there, or isn't what the code has: %d, %d", n.row, product, n.bound)
		}
	}
	if end := time.Unix(maxTime, 0).UTC(); !strings.Contains(text, "0..253402300799\n") || maxTime != 253402300799 {
		t.Error(end)
	}
}
