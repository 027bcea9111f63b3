// Defences takes each defence of the table out of a copy of the tree, one at a time, and runs the test that must notice. So a row of spec/THREATS.md is more
// than a claim: what it names fails without what it describes.
//
//	go run ./internal/defences             all of them; a table at the end, exit code 1 if a removal goes unnoticed
//	go run ./internal/defences -run T0     those whose id matches
//	go run ./internal/defences -list       the table alone
//
// The copy is in a temporary directory; the tree itself isn't touched.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"text/tabwriter"
	"time"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("defences", flag.ContinueOnError)
	flags.SetOutput(stderr)
	only := flags.String("run", "", "take out those alone whose id matches this `regexp`")
	list := flags.Bool("list", false, "list the defences and take none out")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return 2
	}
	match, err := regexp.Compile(*only)
	if err != nil {
		fmt.Fprintln(stderr, "defences:", err)
		return 2
	}
	var chosen []defence
	for _, d := range defences {
		if match.MatchString(d.id) {
			chosen = append(chosen, d)
		}
	}
	if *list {
		w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
		for _, d := range chosen {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s.%s\n", d.id, d.what, d.file, d.pkg, d.test)
		}
		w.Flush()
		return 0
	}
	begin := time.Now()
	results, err := takeOut(chosen, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "defences:", err)
		return 2
	}
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	unnoticed := 0
	for _, r := range results {
		fmt.Fprintf(w, "%s\t%s\t%s.%s\t%s\t%.1fs\n", r.id, r.what, r.pkg, r.test, r.end, r.took.Seconds())
		if r.end != noticed {
			unnoticed++
		}
	}
	w.Flush()
	fmt.Fprintf(stdout, "%d defences taken out, %d unnoticed, in %s\n", len(results), unnoticed, time.Since(begin).Round(time.Second))
	if unnoticed > 0 {
		return 1
	}
	return 0
}

// interrupted is closed when the program should end, so that it can remove what it has made.
func interrupted() <-chan os.Signal {
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	return c
}
