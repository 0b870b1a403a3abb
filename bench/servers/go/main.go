// The workloads in Go's net/http, with nothing but its standard library: go_server PORT
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

func answer(w http.ResponseWriter, kind string, body []byte) {
	header := w.Header()
	header["Server"] = []string{"Go"}
	header["Content-Type"] = []string{kind}
	header["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.Write(body)
}

const html = "text/html; charset=UTF-8"

func index(w http.ResponseWriter, r *http.Request) { answer(w, html, []byte("ok")) }

func message(w http.ResponseWriter, r *http.Request) {
	body, err := json.Marshal(struct {
		Message string `json:"message"`
	}{"Hello, World!"})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, "application/json", body)
}

// The mux knows prefixes only; what follows is taken apart here.
func order(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(r.URL.Path, "/")
	if len(parts) != 5 || parts[3] != "orders" {
		http.NotFound(w, r)
		return
	}
	answer(w, "text/plain; charset=UTF-8", []byte(parts[2]+" "+parts[4]))
}

func sleep(w http.ResponseWriter, r *http.Request) {
	milliseconds, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/sleep/"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	time.Sleep(time.Duration(milliseconds) * time.Millisecond)
	answer(w, html, []byte("ok"))
}

func main() {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 128, DisableCompression: true}}
	upstream := "http://127.0.0.1:" + os.Getenv("BENCH_UPSTREAM") + "/index"
	mux := http.NewServeMux()
	mux.HandleFunc("/index", index)
	mux.HandleFunc("/json", message)
	mux.HandleFunc("/sleep/", sleep)
	mux.HandleFunc("/upstream", func(w http.ResponseWriter, r *http.Request) {
		response, err := client.Get(upstream)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		answer(w, response.Header.Get("Content-Type"), body)
	})
	files := filepath.Join(os.Getenv("TMPDIR"), "files")
	mux.Handle("/static/", http.StripPrefix("/static/", http.FileServer(http.Dir(files))))
	for i := 0; i < 109; i++ {
		if i == 54 {
			mux.HandleFunc("/users/", order)
		}
		text := []byte(fmt.Sprintf("route %d", i))
		mux.HandleFunc(fmt.Sprintf("/resource%d/", i), func(w http.ResponseWriter, r *http.Request) { answer(w, html, text) })
	}
	if err := http.ListenAndServe("127.0.0.1:"+os.Args[1], mux); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
