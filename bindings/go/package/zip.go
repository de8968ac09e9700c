//go:build ignore

// Writes the module as a module proxy serves it: list, info, mod and zip.
//
//	go run zip.go MODULE-FOLDER PROXY-FOLDER VERSION
package main

import (
	"archive/zip"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const module = "github.com/libfailover/libfailover/bindings/go"

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: zip.go MODULE-FOLDER PROXY-FOLDER VERSION")
	}
	from, version := os.Args[1], os.Args[3]
	to := filepath.Join(os.Args[2], filepath.FromSlash(module), "@v")
	check(os.MkdirAll(to, 0o755))
	mod, err := os.ReadFile(filepath.Join(from, "go.mod"))
	check(err)
	info := fmt.Sprintf(`{"Version":%q,"Time":%q}`, version, time.Unix(0, 0).UTC().Format(time.RFC3339))
	check(os.WriteFile(filepath.Join(to, "list"), []byte(version+"\n"), 0o644))
	check(os.WriteFile(filepath.Join(to, version+".info"), []byte(info), 0o644))
	check(os.WriteFile(filepath.Join(to, version+".mod"), mod, 0o644))
	write(from, filepath.Join(to, version+".zip"), version)
}

// write puts the module's files in the zip, in a fixed order and without times.
func write(from, to, version string) {
	file, err := os.Create(to)
	check(err)
	out := zip.NewWriter(file)
	err = filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		check(err)
		if entry.IsDir() && isOther(from, path) {
			return fs.SkipDir
		}
		if entry.IsDir() || !belongs(filepath.ToSlash(name)) {
			return nil
		}
		part, err := out.Create(module + "@" + version + "/" + filepath.ToSlash(name))
		check(err)
		text, err := os.Open(path)
		check(err)
		defer text.Close()
		_, err = io.Copy(part, text)
		return err
	})
	check(err)
	license, err := os.ReadFile(filepath.Join(from, "..", "..", "LICENSE"))
	check(err)
	part, err := out.Create(module + "@" + version + "/LICENSE")
	check(err)
	_, err = part.Write(license)
	check(err)
	check(out.Close())
	check(file.Close())
}

// isOther tells that a folder is a module of its own.
func isOther(from, path string) bool {
	_, err := os.Stat(filepath.Join(path, "go.mod"))
	return err == nil && path != from
}

// belongs tells what users need: no tests, no scripts.
func belongs(name string) bool {
	switch filepath.Ext(name) {
	case ".go":
		return !strings.HasSuffix(name, "_test.go") && !strings.HasPrefix(name, "package/")
	case ".h", ".a", ".mod":
		return true
	}
	return false
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
