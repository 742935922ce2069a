package play

import (
	"slices"
	"strings"
)

// Selection is what --tags and --skip-tags ask for.
type Selection struct {
	Only, Skip []string
}

// SplitTags are the tags in s, which has commas between them.
func SplitTags(s string) []string {
	var tags []string
	for tag := range strings.SplitSeq(s, ",") {
		if tag = strings.TrimSpace(tag); tag != "" {
			tags = append(tags, tag)
		}
	}
	return tags
}

// Select makes a Selection. No tags at all means "all".
func Select(tags, skip []string) Selection {
	if len(tags) == 0 {
		tags = []string{"all"}
	}
	return Selection{Only: tags, Skip: skip}
}

// Takes reports whether a task with these tags (Task.AllTags, and what its
// AllLateTags give) is to run. The
// tags always and never, and the words all, tagged and untagged, mean what
// Ansible's documentation of tags says.
func (s Selection) Takes(tags []string) bool {
	return s.only(tags) && !s.skips(tags)
}

func (s Selection) only(tags []string) bool {
	never := slices.Contains(tags, "never")
	switch {
	case len(s.Only) == 0, slices.Contains(tags, "always"), overlap(tags, s.Only):
		return true
	case slices.Contains(s.Only, "all"):
		return !never
	case slices.Contains(s.Only, "tagged"):
		return len(tags) > 0 && !never
	case slices.Contains(s.Only, "untagged"):
		return len(tags) == 0
	}
	return false
}

func (s Selection) skips(tags []string) bool {
	switch {
	case len(s.Skip) == 0:
		return false
	case slices.Contains(s.Skip, "all"):
		return !slices.Contains(tags, "always") || slices.Contains(s.Skip, "always")
	case overlap(tags, s.Skip):
		return true
	case slices.Contains(s.Skip, "tagged"):
		return len(tags) > 0
	case slices.Contains(s.Skip, "untagged"):
		return len(tags) == 0
	}
	return false
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}
