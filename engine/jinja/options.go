package jinja

import (
	"fmt"
	"strings"
)

// Options say how a source is read. The zero Options are Jinja2's own defaults.
type Options struct {
	// Trim drops the newline after a block, Lstrip the blanks before one on its line.
	Trim, Lstrip bool
	// KeepTrailingNewline keeps the newline that ends the source.
	KeepTrailingNewline bool
	// Preserve gives the result as many newlines at its end as the source has there.
	Preserve bool
	// Playbook is for text of playbooks and inventories: a backslash inside {{ }} is a backslash. It implies Preserve.
	Playbook bool
	// The delimiters; an empty one is Jinja2's default.
	BlockStart, BlockEnd, VarStart, VarEnd, CommentStart, CommentEnd string
	// Newline is what a newline of the source becomes; empty means \n.
	Newline string
}

// PlaybookOptions are how Ansible reads templates in playbooks and inventories.
func PlaybookOptions() Options { return Options{Trim: true, Playbook: true} }

// FileOptions are how Ansible's template module reads a file by default.
func FileOptions() Options { return Options{Trim: true, Preserve: true} }

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		field *string
		text  string
	}{
		{&o.BlockStart, "{%"},
		{&o.BlockEnd, "%}"},
		{&o.VarStart, "{{"},
		{&o.VarEnd, "}}"},
		{&o.CommentStart, "{#"},
		{&o.CommentEnd, "#}"},
		{&o.Newline, "\n"},
	} {
		if *d.field == "" {
			*d.field = d.text
		}
	}
	if o.Playbook {
		o.Preserve = true
	}
	return o
}

// headerMark starts a first line that changes how a template file is read.
const headerMark = "#jinja2:"

// Header takes a "#jinja2: key: value, …" first line off a template file and
// gives the rest, the options as that line changes them, and the number of
// lines taken (0 or 1). An option that is not known is an error.
func Header(src string, o Options) (rest string, opts Options, lines int, err error) {
	if !strings.HasPrefix(src, headerMark) {
		return src, o, 0, nil
	}
	line, rest, _ := strings.Cut(src, "\n")
	for pair := range strings.SplitSeq(line[len(headerMark):], ",") {
		key, text, ok := strings.Cut(pair, ":")
		if !ok {
			return "", o, 0, fmt.Errorf("cannot read the #jinja2 line: %q is not key: value", strings.TrimSpace(pair))
		}
		if err := o.set(strings.TrimSpace(key), strings.TrimSpace(text)); err != nil {
			return "", o, 0, fmt.Errorf("cannot read the #jinja2 line: %w", err)
		}
	}
	return rest, o, 1, nil
}

func (o *Options) set(key, text string) error {
	switch key {
	case "trim_blocks":
		return setSwitch(&o.Trim, key, text)
	case "lstrip_blocks":
		return setSwitch(&o.Lstrip, key, text)
	case "keep_trailing_newline":
		return setSwitch(&o.KeepTrailingNewline, key, text)
	}
	fields := map[string]*string{
		"block_start_string": &o.BlockStart, "block_end_string": &o.BlockEnd,
		"variable_start_string": &o.VarStart, "variable_end_string": &o.VarEnd,
		"comment_start_string": &o.CommentStart, "comment_end_string": &o.CommentEnd,
		"newline_sequence": &o.Newline,
	}
	f, ok := fields[key]
	if !ok {
		return fmt.Errorf("the option %q is not supported yet", key)
	}
	*f = strings.NewReplacer(`\n`, "\n", `\r`, "\r").Replace(strings.Trim(text, `'"`))
	return nil
}

func setSwitch(to *bool, key, text string) error {
	switch strings.ToLower(text) {
	case "true":
		*to = true
	case "false":
		*to = false
	default:
		return fmt.Errorf("%s is True or False, not %q", key, text)
	}
	return nil
}
