for i in range(3): print('x' * i)

>>> for i in range(3): print('x' * i)
... 

x
xx
>>> 'é中' * 3
'é中é中é中'
>>> 'é中' 12* 3                                                                 
  File "<stdin>", line 1
    'é中' 12* 3
         ^^
SyntaxError: invalid syntax
>>> 1/0
Traceback (most recent call last):
  File "<stdin>", line 1, in <module>
ZeroDivisionError: division by zero
>>> import      





16 18
