[7m  GNU nano 7.2                      src/hello.c                       Modified  
[0m[39m[49m#include <stdio.h>

new text/* Greets the world. */
int main(int argc, char **argv)
{
        for (int i = 0; i < 3; i++)
                printf("goodbye %d\n", i);
}













[7m^G[0m[39m[49m Help      [7m^O[0m[39m[49m Write Out [7m^W[0m[39m[49m Where Is  [7m^K[0m[39m[49m Cut       [7m^T[0m[39m[49m Execute   [7m^C[0m[39m[49m Location 
[7m^X[0m[39m[49m Exit      [7m^R[0m[39m[49m Read File [7m^\[0m[39m[49m Replace   [7m^U[0m[39m[49m Paste     [7m^J[0m[39m[49m Justify   [7m^/[0m[39m[49m Go To Line
0 8
