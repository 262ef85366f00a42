"""The local web page of `mer app`: Starlette routes over a queue of clips. No clip leaves the machine.

serve.py     start, stop, open a browser           app.py        routes and error responses
guard.py     refuses foreign requests              handlers.py   one function per route
clips.py     the clips of one server               downloads.py  the files a result can be saved as
queue.py     one worker, progress, cancellation    storage.py    temporary files and their deletion
analysis.py  calls mer.inference                   example.py    renders the example clip
"""
