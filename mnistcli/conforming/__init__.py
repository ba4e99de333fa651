"""Grey levels -> the 28x28 of MNIST, stage by stage.

background     which is the paper, how it is lit, how strong the ink is: grey levels -> ink
segmentation   which ink is strokes, and not specks, lines, frames or the table around a sheet
grouping       which pieces of ink make up a digit, and which digits a line
touching       where strokes that may be several digits can be cut
strokes        how wide strokes and their edges are, and what to do where it is too much
placing        one digit, or all of them -> 28x28; `conform` is its door
operations, types   tools for small pictures, and what goes from stage to stage
"""
