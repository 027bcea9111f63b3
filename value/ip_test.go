package value

import "testing"

func TestParseIP(t *testing.T) {
	for _, in := range []string{"0.0.0.0", "127.0.0.1", "255.255.255.255", "::", "::1", "2001:db8::1", "64:ff9b::7f00:1",
		"2002:7f00:1::", "1:2:3:4:5:6:7:8", "1:0:0:2::3"} {
		if got, err := ParseIP(in); err != nil || got.String() != in {
			t.Errorf("ParseIP(%q) = %v, %v", in, got, err)
		}
	}
	for in, reason := range map[string]string{
		"":                   "isn't an IP address",
		"127.1":              "isn't an IP address",
		"2130706433":         "isn't an IP address",
		"0x7f.0.0.1":         "isn't an IP address",
		"127.0.0.01":         "isn't an IP address",
		"256.0.0.1":          "isn't an IP address",
		"127.0.0.1 ":         "isn't an IP address",
		"127.0.0.1.":         "isn't an IP address",
		"127.0.0.1/32":       "isn't an IP address",
		"[::1]":              "isn't an IP address",
		"localhost":          "isn't an IP address",
		"::ffff:127.0.0.1":   `write "127.0.0.1"`,
		"::ffff:7f00:1":      `write "127.0.0.1"`,
		"::FFFF:127.0.0.1%a": `write "127.0.0.1"`,
		"fe80::1%eth0":       `write "fe80::1"`,
		"::1%1":              `write "::1"`,
		"2001:DB8::1":        `write "2001:db8::1"`,
		"2001:0db8::1":       `write "2001:db8::1"`,
		"0:0:0:0:0:0:0:1":    `write "::1"`,
		"::1.2.3.4":          `write "::102:304"`,
		"1:2:3:4:5:6:7::":    `write "1:2:3:4:5:6:7:0"`,
		"1:2:3:4:5:6:7:8:9":  "isn't an IP address",
	} {
		got, err := ParseIP(in)
		wantError(t, "ParseIP", in, got, err, "ip", -1, reason)
	}
}

func TestParseCIDR(t *testing.T) {
	for _, in := range []string{"0.0.0.0/0", "10.0.0.0/8", "192.0.2.7/32", "::/0", "2001:db8::/32", "::1/128"} {
		if got, err := ParseCIDR(in); err != nil || got.String() != in {
			t.Errorf("ParseCIDR(%q) = %v, %v", in, got, err)
		}
	}
	for in, reason := range map[string]string{
		"":                    "isn't a range",
		"10.0.0.0":            "isn't a range",
		"10.0.0.0/":           "isn't a range",
		"10.0.0.0/33":         "isn't a range",
		"10.0.0.0/08":         "isn't a range",
		"10.0.0.0/+8":         "isn't a range",
		"10.0.0.0/-1":         "isn't a range",
		"10.0.0.0/255.0.0.0":  "isn't a range",
		"10/8":                "isn't a range",
		"fe80::1%eth0/64":     "isn't a range",
		"::/129":              "isn't a range",
		"10.0.0.1/8":          `write "10.0.0.0/8"`,
		"2001:db8::1/32":      `write "2001:db8::/32"`,
		"2001:DB8::/32":       `write "2001:db8::/32"`,
		"0:0::/16":            `write "::/16"`,
		"::ffff:10.0.0.0/104": `write "10.0.0.0/8"`,
		"::ffff:10.0.0.1/104": `write "10.0.0.0/8"`,
		"::ffff:0.0.0.0/96":   `write "0.0.0.0/0"`,
		"::ffff:0.0.0.0/95":   `write "::fffe:0:0/95"`,
	} {
		got, err := ParseCIDR(in)
		wantError(t, "ParseCIDR", in, got, err, "cidr", -1, reason)
	}
}
