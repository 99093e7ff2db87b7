module unwind

go 1.19
