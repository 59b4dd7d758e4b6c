bash-5.2# echo one                      │root@vm:~/project# echo two
one                                     │two
bash-5.2#                               │root@vm:~/project# 
                                        │
                                        │
                                        │
                                        │
                                        │
                                        │
                                        │
                                        │
                                        [32m├───────────────────────────────────────
[39m                                        [32m│[39mroot@vm:~/project# ls --color=always   
                                        [32m│[1m[34mdocs[0m[39m[49m  [1m[34msrc
[0m[39m[49m                                        [32m│[39mroot@vm:~/project#  
                                        [32m│
[39m                                        [32m│
[39m                                        [32m│
[39m                                        [32m│
[39m                                        [32m│
[39m                                        [32m│
[39m                                        [32m│
[39m                                        [32m│
[30m[42m[0] 0:bash*                                                 "vm" 20:48 22-Nov-26
60 14
