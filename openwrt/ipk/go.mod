module ipk

go 1.23.0

require github.com/google/go-cmp v0.7.0
