package config

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// WriteReference writes the reference document as TOML: every key with its meaning, at its default.
// It is itself a valid configuration file.
func WriteReference(w io.Writer) error {
	out := bufio.NewWriter(w)
	c := base()
	for i, s := range sections() {
		if i > 0 {
			fmt.Fprintln(out)
		}
		writeSection(out, c, s[0], s[1])
	}
	return out.Flush()
}

// writeSection writes one section; a repeated block is written as a comment, since by default there is none.
func writeSection(out io.Writer, c *Config, section, about string) {
	fmt.Fprintf(out, "# %s\n", about)
	mark, began := "", false
	for _, o := range options() {
		if o.section() != section {
			continue
		}
		block := 0
		if o.repeated() {
			mark = "# "
			if !began {
				block = c.newEWSServer()
			}
		}
		if !began {
			began = true
			if mark != "" {
				fmt.Fprintf(out, "%s[[%s]]\n", mark, section)
			} else {
				fmt.Fprintf(out, "[%s]\n", section)
			}
		}
		writeOption(out, o, mark, tomlText(o.at(c, block)))
	}
}

func writeOption(out io.Writer, o option, mark, value string) {
	for line := range strings.SplitSeq(o.doc, "\n") {
		fmt.Fprintf(out, "%s# %s\n", mark, line)
	}
	fmt.Fprintf(out, "%s%s = %s\n", mark, o.name(), value)
	if o.secret() {
		fmt.Fprintf(out, "# %s_file = \"\" # instead: a file that holds it\n", o.name())
	}
}

// WriteHelp writes the help page about the configuration, in Markdown, with the reference in it.
func WriteHelp(w io.Writer) error {
	out := bufio.NewWriter(w)
	fmt.Fprint(out, helpHead)
	if err := WriteReference(out); err != nil {
		return err
	}
	fmt.Fprint(out, helpEnv)
	fmt.Fprintf(out, "| Key | Variable |\n| --- | --- |\n")
	for _, o := range options() {
		fmt.Fprintf(out, "| `%s` | `%s` |\n", o.path(0), o.env(0))
		if o.secret() {
			fmt.Fprintf(out, "| `%s_file` | `%s_FILE` |\n", o.path(0), o.env(0))
		}
	}
	return out.Flush()
}

const helpHead = `# Configuration

Portico reads one TOML file, named by ` + "`--config FILE`" + `, and then the environment, which overrides it.
Without a file it runs with the embedded lab, its example people and the defaults below.

Everything is checked before anything starts. All faults are reported at once, each with its key and
line, and Portico ends with status 2. An unknown key is a fault; so is a value of the wrong type.
` + "`portico check --config FILE`" + ` reads the file and then signs in to every backend it names.

A key that ends in ` + "`password`" + ` or ` + "`secret`" + ` has a twin that ends in ` + "`_file`" + `: the name of a file to read the value
from. One newline at its end is dropped. Give one of the two, not both.

## Every key at its default

` + "```toml\n"

const helpEnv = "```" + `

## The environment

Every key can be set by a variable. Lists are separated by commas; blocks are numbered from 0. A variable
that begins with ` + "`PORTICO_`" + ` and means no key is ignored with a warning in the log, because some platforms
set such names by themselves. Setting a secret or its ` + "`_FILE`" + ` twin in the environment overrides both
forms in the file.

`
