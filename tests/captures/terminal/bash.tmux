[1m[32muser@host[0m[39m[49m:~/project# printf '\e[7mreverse\e[m\n'
[7mreverse
[0;1m[32m[49muser@host[0m[39m[49m:~/project# echo 





















26 2
