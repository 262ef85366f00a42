"""The local web page of `mer app`: Starlette routes over a queue of clips; nothing leaves the machine.

serve.py     start, stop, open a browser          app.py        routes and error answers
guard.py     who is answered, and the headers     pages.py      handlers
clips.py     the clips of one server              downloads.py  what a result can be saved as
queue.py     one worker, progress, cancel         storage.py    files, and when they are deleted
analysis.py  calls mer.inference                  example.py    the clip to try
"""
