package resource_test

import (
	"fmt"

	"github.com/moat-lang/moat/resource"
)

func Example() {
	kb, _ := resource.ParsePattern("file:///srv/kb/**")
	for _, path := range []string{"/srv/kb/faq.md", "/srv/kb-private/salaries.md", "/srv/kb/../../etc/passwd"} {
		n, err := resource.File(path)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(n, kb.Match(n))
	}
	// Output:
	// file:///srv/kb/faq.md true
	// file:///srv/kb-private/salaries.md false
	// "/srv/kb/../../etc/passwd" at byte 8: a dot segment (".."); canonical form: file:///etc/passwd
}

func ExampleParse() {
	n, err := resource.Parse("https://api.example.com:8443/v1/items?page=2")
	fmt.Println(n.Host(), n.Port(), n.Path(), err)

	_, err = resource.Parse("https://api.example.com@evil.com/")
	fmt.Println(err)
	_, err = resource.Parse("HTTPS://Example.com:443")
	fmt.Println(err)
	// Output:
	// api.example.com 8443 /v1/items <nil>
	// "https://api.example.com@evil.com/" at byte 8: userinfo before the host: the host of this name would be "evil.com"
	// "HTTPS://Example.com:443" at byte 0: an upper-case letter in the scheme; canonical form: https://example.com/
}

func ExampleFromTypeID() {
	a, _ := resource.FromTypeID("tool", "mail.send")
	b, _ := resource.FromTypeID("tool", "tool://mail.send")
	fmt.Println(a, a == b)
	// Output: tool://mail.send true
}

func ExampleParsePattern() {
	p, _ := resource.ParsePattern("https://*.example.com/{v1,v2}/**")
	for _, s := range []string{"https://api.example.com/v2/items?page=2", "https://evilexample.com/v1/items"} {
		n, _ := resource.Parse(s)
		fmt.Println(p.Match(n))
	}
	// Output:
	// true
	// false
}

func ExampleIndex() {
	var b resource.IndexBuilder
	for i, s := range []string{"file:///srv/**", "file:///**/.ssh/**", "tool://mail.*"} {
		p, _ := resource.ParsePattern(s)
		b.Add(p, int32(i))
	}
	ix := b.Build()

	n, _ := resource.Parse("file:///srv/backup/.ssh/id_ed25519")
	fmt.Println(ix.Match(n, nil))
	// Output: [0 1]
}

func ExamplePattern_Within() {
	var parent []*resource.Pattern
	for _, s := range []string{"file:///srv/{kb,faq}/**", "https://*.example.com/**"} {
		p, _ := resource.ParsePattern(s)
		parent = append(parent, p)
	}
	for _, s := range []string{"{file:///srv/kb/*.md,https://api.example.com/v1}", "file:///srv/kb*/**"} {
		child, _ := resource.ParsePattern(s)
		in := child.Within(parent, resource.InclusionBudget)
		fmt.Println(in.Verdict, child)
		if in.Verdict == resource.Exceeds {
			fmt.Println("witness", in.Witness)
		}
	}
	// Output:
	// included {file:///srv/kb/*.md,https://api.example.com/v1}
	// exceeds file:///srv/kb*/**
	// witness file:///srv/kbx
}
