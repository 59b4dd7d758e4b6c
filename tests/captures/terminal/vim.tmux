[93m 96 [39m96 a line of [30m[103mtext[39m[49m to page through   [7m|[0m[93m[49m 10 [39m10 a line of [30m[103mtext[39m[49m to page through  
[93m 97 [39m97 a line of [30m[103mtext[39m[49m to page through   [7m|[0m[93m[49m 11 [39m11 a line of [30m[103mtext[39m[49m to page through  
[93m 98 [39m98 a line of [30m[103mtext[39m[49m to page through   [7m|[0m[93m[49m 12 [39m12 a line of [30m[103mtext[39m[49m to page through
[93m 99 [39m99 a line of [30m[103mtext[39m[49m to page through   [7m|[0m[93m[49m 13 [39m13 a line of [30m[103mtext[39m[49m to page through
[93m100 [39m100 a line of [30m[103mtext[39m[49m to page through  [7m|[0m[93m[49m 14 [39m14 a line of [30m[103mtext[39m[49m to page through
[93m101 [39m101 a line of [30m[103mtext[39m[49m to page through  [7m|[0m[93m[49m 15 [39m15 a line of [30m[103mtext[39m[49m to page through
[93m102 [39m102 a line of [30m[103mtext[39m[49m to page through  [7m|[0m[93m[49m 16 [39m16 a line of [30m[103mtext[39m[49m to page through
[93m103 [39m103 a line of [30m[103mtext[39m[49m to page through  [7m|[0m[93m[49m 17 [39m17 a line of [30m[103mtext[39m[49m to page through
[93m104 [39m104 a line of [30m[103mtext[39m[49m to page through  [7m|[0m[93m[49m 18 [39m18 a line of [30m[103mtext[39m[49m to page through
[93m105 [39m105 a line of [30m[103mtext[39m[49m to page through  [7m|[0m[93m[49m 19 [39m19 a line of [30m[103mtext[39m[49m to page through
[93m106 [39m106 a line of [30m[103mtext[39m[49m to page through  [7m|[0m[93m[49m 20 [39m20 a line of [30m[103mtext[39m[49m to page through
[7mdocs/lines.txt        101,15         50% docs/lines.txt       10,1            4%
[0m[93m[49m  1 [39m        [38;5;81m#include [95m<stdio.h>[39m                                                  
[93m  2 [39m                                                                            
[93m  3 [96m/* Greets the world. */[39m                                                     
[93m  4 [38;5;121mint[39m main([38;5;121mint[39m argc, [38;5;121mchar[39m **argv)                                             
[93m  5 [39m{                                                                           
[93m  6 [39m        [93mfor[39m ([38;5;121mint[39m i = [95m0[39m; i < [95m3[39m; i++)                                         
[93m  7 [39m                printf([95m"goodbye [38;5;224m%d\n[95m"[39m, i);                                  
[93m  8 [39m        [93mreturn[39m [95m0[39m;                                                           
[93m  9 [39m}                                                                           
[94m~                                                                               
[1;7m[39msrc/hello.c [+]                                               1,2-9          All

12 12
