"""Grey levels -> the 28x28 of MNIST, stage by stage.

background     which is the paper, how it is lit, how strong the ink is: grey levels -> ink
segmentation   where the digits are: on which sheet, inside which frame
clearing       which ink is theirs, and not specks, lines, frames or what reaches in
frames         which ink is a frame, and which a digit's that touches it or reaches out of it
grouping       which pieces make up a digit, and which digits a line; where to cut those that touch
strokes        how wide strokes and their edges are, and what to do where it is too much
placing        one digit, or all of them -> 28x28; `conform` is its door
operations, types   tools for small pictures, and what goes from stage to stage
"""
