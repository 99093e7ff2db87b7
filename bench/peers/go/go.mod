module gorena.bench/peers

go 1.19
