
















Unpacking 1 ...
Unpacking 2 ...
Unpacking 3 ...
Unpacking 4 ...
Unpacking 5 ...


0 22
