[1mdiff --git a/docs/lines.txt b/docs/lines.txt
index b2d31c4..bf4bac0 100644
--- a/docs/lines.txt
+++ b/docs/lines.txt
[0m[36m[49m@@ -198,3 +198,4 @@
[39m 198 a line of text to page through
 199 a line of text to page through
 200 a line of text to page through
[32m+more
[1m[39mdiff --git a/src/hello.c b/src/hello.c
index a15334c..730b667 100644
--- a/src/hello.c
+++ b/src/hello.c
[0m[36m[49m@@ -4,6 +4,6 @@
[39m int main(int argc, char **argv)
 {
        for (int i = 0; i < 3; i++)
[31m-[39m               [31mprintf("hello %d\n", i);
[32m+[39m               [32mprintf("goodbye %d\n", i);
[39m        return 0;
 }
On branch main
nothing to commit, working tree clean

0 23
