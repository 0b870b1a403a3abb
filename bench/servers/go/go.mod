module caropig.example/bench

go 1.19
