top - 20:48:04 up  3:45,  0 user,  load average: 9.17, 9.69, 8.02
[31mTasks:[1m[39m   2 [0m[31m[49mtotal,[1m[39m   0 [0m[31m[49mrunning,[1m[39m   2 [0m[31m[49msleeping,[1m[39m   0 [0m[31m[49mstopped,[1m[39m   0 [0m[31m[49mzombie
%Cpu(s):[1m[39m  0.0 [0m[31m[49mus,[1m[39m  0.0 [0m[31m[49msy,[1m[39m  0.0 [0m[31m[49mni,[1m[39m100.0 [0m[31m[49mid,[1m[39m  0.0 [0m[31m[49mwa,[1m[39m  0.0 [0m[31m[49mhi,[1m[39m  0.0 [0m[31m[49msi,[1m[39m  0.0 [0m[31m[49mst[39m 
[31mMiB Mem :[1m[39m  24105.1 [0m[31m[49mtotal,[1m[39m  19744.2 [0m[31m[49mfree,[1m[39m   1966.2 [0m[31m[49mused,[1m[39m   2746.4 [0m[31m[49mbuff/cache[39m     
[31mMiB Swap:[1m[39m      0.0 [0m[31m[49mtotal,[1m[39m      0.0 [0m[31m[49mfree,[1m[39m      0.0 [0m[31m[49mused.[1m[39m  22139.0 [0m[31m[49mavail Mem 

[7m[33m  PID USER      PR  NI    VIRT    RES    SHR S  %CPU  %MEM     TIME+ COMMAND    
[0m[31m[49m11012 root      20   0    2920   1744   1636 S [1m  0.0 [0m[31m[49m  0.0   0:00.00 sleep      
11013 root      20   0    2952   1748   1628 S [1m  0.0 [0m[31m[49m  0.0   0:00.00 tail       















0 23
